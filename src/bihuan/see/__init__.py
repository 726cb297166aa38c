"""What is happening: boards, people; the question trend."""
