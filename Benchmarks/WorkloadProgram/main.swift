import BenchmarkAgents
import OpenStarryAgent

// The agent of the benchmarks as a program.
Workload.main()
