"""The straight way of a usual call: the same checks and bytes as the general way, in a tenth of its steps.

It takes a call only when it is whole, small and of a form that the general way has carried before, and everything
about it is in order; at the first doubt, before anything was done, the general way has it, which knows every case and
names every fault. What fails later (a link that breaks, an answer of another form) goes on there as well.

| kept | made of | until |
|---|---|---|
| `forms.Form` | the order of a head's names, its list of signed components | ROAD_FORMS newer ones came |
| `asking.Lane` | client, service | the client's registration, or its key here, is another object |
| `answering.Lane` | client, service, own address, purpose | grant, offer, key or provider is another object |

Never kept: a right, a key of another member, a route, a certificate's standing; each call asks for them anew.
"""
