"""Names of services as their certificates carry them."""

import re
from dataclasses import dataclass

_FORM = re.compile(
    r"spiffe://(?P<domain>[a-z0-9.-]+)/ns/(?P<namespace>[A-Za-z0-9_-]+)/dc/(?P<datacenter>[A-Za-z0-9_-]+)/svc/(?P<service>[a-z0-9][a-z0-9-]*)"
)


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """``spiffe://<trust domain>/ns/<namespace>/dc/<datacenter>/svc/<service>``, Consul's form.

    Attributes:
        trust_domain: the mesh whose CA vouches for it.
        namespace: Consul namespace, always ``default`` in the open edition.
        datacenter: Consul datacenter.
        service: name of the service.
    """

    trust_domain: str
    namespace: str
    datacenter: str
    service: str

    @classmethod
    def parse(cls, text: str) -> "SpiffeId | None":
        """The identity, or None where the text is not of that form."""
        match = _FORM.fullmatch(text)
        return None if match is None else cls(*match.groups())

    def __str__(self) -> str:
        return f"spiffe://{self.trust_domain}/ns/{self.namespace}/dc/{self.datacenter}/svc/{self.service}"
