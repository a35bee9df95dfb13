"""From a class's Options to what the floors between models and stores read: Table and ModelInfo."""
