"""One command to run everything here: start the programs in order, show their lines, restart what dies, stop it all."""
