import OpenStarryAgent

Workload.main()
