"""Requests for footprints: whom a buyer asks, what a supplier's inbox holds, what comes of it.

Each of these knows those above it only.

=================  ============================================================================
``whom``           which enterprises are asked for which product
``limits``         how much may be asked, and until when
``rows``           a request as its table holds it
``progress``       how many have answered, over the chain
``fitting``        which footprints answer a request
``between_hosts``  what partners ask, are told and are asked
``requests``       requests asked, answered and declined, as buyer and supplier see them
``settling``       requests that are answered or overdue, in the background
``receiving``      events that came from partners, in the background
=================  ============================================================================
"""
