// Started by the daemon with its end of their connection as descriptor 3, or by systemd with a listening socket there.
ProxyProcess.main()
