"""What browsers are sent while runs train: a stream that is encoded once for all who watch, and files that stay."""
