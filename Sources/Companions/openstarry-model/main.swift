ModelProcess.main()
