"""Settings of the site: ``make docs`` builds it, warnings as errors, without the network."""

import sys
from importlib.metadata import metadata
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx_gallery.sorting import FileNameSortKey

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "gnnmax"
author = "the authors of gnnmax"
copyright = "the authors of gnnmax, MIT licence"
version = release = version_of("gnnmax")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.imgmath",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "execution_times",
    "generated_pages",
    "references",
]
exclude_patterns = ["extensions", "gallery", "generated/gallery/*.py", "generated/gallery/*.ipynb"]
nitpicky = True
smartquotes = False  # --option stays --option
nitpick_ignore_regex = [
    (r"py:(class|obj)", r".*"),  # types in signatures: those of other libraries have no page here
    (r"py:(data|attr)", r"[^.]*"),  # of the same module or class, named in passing
    (r"py:(exc|mod)", r"ValidationError|NotFittedError|OtherGenerationError|tomllib.*"),
]
suppress_warnings = ["config.cache", "ref.python"]  # a short name of two classes leads to the first

html_theme = "furo"
html_title = "gnnmax"
html_static_path = ["assets"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
addresses = dict(each.split(", ", 1) for each in metadata("gnnmax").get_all("Project-URL", []))
if "Repository" in addresses:
    html_theme_options["footer_icons"] = [
        {"name": "Repository", "url": addresses["Repository"], "html": "Repository", "class": ""}
    ]
html_math_renderer = "imgmath"  # no page has formulas, and no script is loaded from elsewhere for them

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "attrs_block"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parents[1] / "build" / "site" / "notebooks")
nb_execution_timeout = 300  # of a cell that never ends; execution_times refuses a notebook that takes a minute
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress and notices of libraries

linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_anchors = False  # places within pages of others come and go

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "set_fit_request, set_score_request, set_predict_request, get_metadata_routing",
}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_attr_annotations = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": FileNameSortKey,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # their page would load scripts from elsewhere
    "min_reported_time": 5,
    "image_scrapers": ("figures",),
    "reset_modules": (),
}
