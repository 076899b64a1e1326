"""`python -m tests.attacks` prints what is in the corpus, as the tables of docs/attacks.md."""

from tests.attacks.corpus import CORPUS, tables

if __name__ == "__main__":
    print(tables(CORPUS))
