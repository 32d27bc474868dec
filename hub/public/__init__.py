"""What patients see: the contact form, its thanks, the privacy notice. No cookie, no script, nothing from elsewhere.

The composition root leaves a `PublicSite` (`site_of`) under `PUBLIC` and `Limits` under `LIMITS`, gives `hub.web.render.Pages` the
folder `TEMPLATES` under the name "public", and adds `routes()`.
"""

from hub.public.limits import Limits
from hub.public.routes import routes
from hub.public.site import LIMITS, PUBLIC, TEMPLATES, PublicSite, site_of

__all__ = ["LIMITS", "PUBLIC", "TEMPLATES", "Limits", "PublicSite", "routes", "site_of"]
