"""`python -m sealwax.chat`: a client for people, in a terminal."""
