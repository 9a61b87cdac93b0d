"""Messages to customers and technicians: written once, final in form, sent by a channel."""
