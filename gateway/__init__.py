"""The edge of Kairos: what applications, browsers and devices talk to. Knows the contract (``kairos.v1``), not the job."""
