"""Models of a shop in five modules, as the mistakes in the corpus are made with them."""
