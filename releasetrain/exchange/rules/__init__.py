"""Pure rules of the exchange: when mail goes, what a message means, what a signature proves."""
