// Started by the daemon, with its end of their connection as descriptor 3 and a listening socket as descriptor 4. It
// takes no arguments; docs/safety.md says what it does.
GuardianProcess.main()
