"""A drill: real runs suffer random faults, are started again, and must end as the runs that nothing disturbed."""
