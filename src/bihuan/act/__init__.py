"""Do something and measure it: audiences, messages, campaigns; the question lift."""
