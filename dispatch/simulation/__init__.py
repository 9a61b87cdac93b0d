"""Generated days and simulated technicians: the demo and policy replay. Nobody in here is real."""
