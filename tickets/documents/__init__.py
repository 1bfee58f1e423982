"""What a guest takes along: QR codes, one PDF, a calendar file."""
