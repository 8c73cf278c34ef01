import Linux

/// Runs a campaign in several processes, each with a part of the seeds.
enum ParallelRuns {
  /// - Returns: whether no process has found a violation.
  static func run(_ options: Options) throws(SystemError) -> Bool {
    var children: [Int32] = []
    for job in 0..<options.jobs {
      let (first, end) = (options.runs * job / options.jobs, options.runs * (job + 1) / options.jobs)
      var words = ["--first", "\(options.first + UInt64(first))", "--runs", "\(end - first)"]
      if let limit = options.limit { words += ["--for", limit.text] }
      children.append(try Spawn.start("/proc/self/exe", ["fault-campaign"] + words))
    }
    var isSound = true
    for child in children where try Spawn.wait(for: child) != 0 { isSound = false }
    return isSound
  }
}
