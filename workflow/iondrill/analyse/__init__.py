"""From results to numbers: order parameters, ELF, charges, adsorption energies."""
