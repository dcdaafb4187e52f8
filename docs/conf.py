"""The documentation site: `make site` builds it, without network, and fails on any warning."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from site_markdown import REPOSITORY

project = "intercom_sink"
version = release = version_of("intercom-sink")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "site_markdown", "site_api"]
exclude_patterns = ["_static"]

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4

# A name in a docstring between single backticks is code, as everywhere in this project.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True
toc_object_entries = False

# A reference to a name of this package must lead to its entry; other packages have no inventory here.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!intercom_sink\.).*")]
nitpick_ignore = [
    # In public signatures, without being public themselves.
    ("py:class", "intercom_sink.adapters.intercom.proxy.Proxy"),
    ("py:class", "intercom_sink.adapters.rabbitmq.brokers.Brokers"),
    ("py:class", "intercom_sink.adapters.rabbitmq.encoded_messages.EncodedMessage"),
    ("py:class", "intercom_sink.domain.workers.Workers"),
    ("py:class", "intercom_sink.testing.clock.VirtualCondition"),
    ("py:class", "intercom_sink.testing.intercom.rate_window.Admission"),
    ("py:class", "intercom_sink.testing.monitor.Kind"),
]

html_theme = "furo"
html_title = "intercom_sink"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_domain_indices = False
html_theme_options = {
    "source_repository": f"{REPOSITORY}/",
    "source_branch": "main",
    "source_directory": "docs/",
}
