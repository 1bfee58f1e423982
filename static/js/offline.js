// The page of no signal: goes on by itself once there is one.

addEventListener("online", () => location.reload());
