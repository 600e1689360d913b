"""What happens in trajectories: order parameters, events, charges, statistics."""
