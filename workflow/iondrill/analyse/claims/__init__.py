"""The paper's claims, each with what decides it, and what the results say of each."""
