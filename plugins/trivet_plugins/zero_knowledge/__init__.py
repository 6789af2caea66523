"""Proofs about secrets that do not show them: sigma proofs of linear relations and oblivious evaluation, on P-256.

The contract for proof systems of others is in `trivet_plugins.zero_knowledge.system`; what is proven and what must be trusted
is on the page of the reference about zero knowledge.
"""
