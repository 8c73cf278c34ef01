import OpenStarryAgent

MotionRecorder.main()
