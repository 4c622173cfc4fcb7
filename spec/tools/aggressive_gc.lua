-- busted helper of `make hard`: the collector never rests, so that what is freed too early shows.
collectgarbage("setpause", 0)
collectgarbage("setstepmul", 1000)
