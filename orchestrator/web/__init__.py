"""The live page: what the journal says, as a picture that changes while a window goes on."""
