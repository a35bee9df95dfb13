"""What is built on the house: applications that need nothing of it but what everyone may use."""
