"""form.py WHAT NAME: prints a form of WHAT_forms.py."""
import importlib
import sys

form = importlib.import_module(f"{sys.argv[1]}_forms").FORMS[sys.argv[2]]
print(form[0] if isinstance(form, tuple) else form)
