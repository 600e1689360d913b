"""The paper's electrochemistry on tidy CSV: savings, GITT, exponents and shares of currents, reflections."""
