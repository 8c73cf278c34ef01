import OpenStarryAgent

LeakGuard.main()
