"""Requests for footprints: whom a buyer asks, what a supplier's inbox holds, what comes of it.

=============  ================================================================================
``rows``       a request as its table holds it
``requests``   requests asked, answered, declined, overdue; events of partners
``whom``       which enterprises are asked for which product
``progress``   how many have answered, over the chain
=============  ================================================================================
"""
