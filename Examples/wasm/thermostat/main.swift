import OpenStarryAgent

Thermostat.main()
