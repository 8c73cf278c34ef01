import OpenStarryAgent

DoorCounter.main()
