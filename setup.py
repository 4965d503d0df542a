"""Puts the runtime library and the compiler, where they have been built, into the installed package."""
import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
BUILT = HERE / "build/release"
FILES = {"lib/libattnc_runtime.so": "lib", "bin/attnc": "bin"}


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        for source, folder in FILES.items():
            if (BUILT / source).exists():
                target = pathlib.Path(self.build_lib, "attnc", folder)
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(BUILT / source, target)  # follows the version's link


(HERE / "build/python").mkdir(parents=True, exist_ok=True)
setup(cmdclass={"build_py": BuildWithLibrary}, options={"build": {"build_base": "build/python"}, "egg_info": {"egg_base": "build/python"}})
