"""`python -m banyan VERB`: what ./banyan hands over to after set-up."""

import sys

from banyan.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
