"""form.py NAME: prints a form of attention_forms.py."""
import sys

from attention_forms import FORMS

print(FORMS[sys.argv[1]])
