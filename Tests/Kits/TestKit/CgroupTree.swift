import Linux

/// The kernel's files about control groups on machines of several kinds, below a fixture folder.
package final class CgroupTree {
  private let folder: TemporaryFolder
  /// The folder that replaces `/`.
  package var root: String { folder.path }

  /// A machine without groups.
  /// - Parameters:
  ///   - group: the content of /proc/self/cgroup.
  ///   - mounts: the lines of /proc/self/mountinfo about control groups.
  ///   - commandLine: the kernel's command line.
  package init(group: String, mounts: String, commandLine: String = "quiet\n") throws(SystemError) {
    folder = try TemporaryFolder()
    try write("proc/self/cgroup", group)
    try write("proc/self/mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\(mounts)")
    try write("proc/cmdline", commandLine)
    try write("proc/self/comm", "openstarryd\n")
    try write("proc/51/comm", "openstarryd\n")
    try write("proc/52/comm", "openstarry-guar\n")
    try write("proc/60/comm", "bash\n")
    try write("proc/self/smaps_rollup", "5500-7fff ---p 00000000 00:00 0  [rollup]\nRss:  5000 kB\nPss:  3000 kB\n")
    try write("proc/52/smaps_rollup", "5500-7fff ---p 00000000 00:00 0  [rollup]\nRss:   900 kB\nPss:   200 kB\n")
  }

  /// Writes a file such as `sys/fs/cgroup/cpu.max`, and makes its folder.
  package func write(_ path: String, _ text: String) throws(SystemError) { try folder.write(path, text) }

  /// Writes the files of a group.
  /// - Parameters:
  ///   - path: the group's path below /sys/fs/cgroup; empty for the topmost group.
  ///   - controllers: the available controllers, whose files are written.
  ///   - handsDown: the controllers that the group passes on.
  ///   - processes: the content of cgroup.procs.
  ///   - isRoot: whether it is the real root group, which lacks most files.
  package func group(
    _ path: String, controllers: String = "cpu memory pids", handsDown: String = "", processes: String = "",
    isRoot: Bool = false
  ) throws(SystemError) {
    let folder = path.isEmpty ? "sys/fs/cgroup" : "sys/fs/cgroup/\(path)"
    let has = { (name: String) in controllers.split(separator: " ").contains { $0 == name } }
    try write("\(folder)/cgroup.controllers", "\(controllers)\n")
    try write("\(folder)/cgroup.subtree_control", "\(handsDown)\n")
    try write("\(folder)/cgroup.procs", processes)
    try write(
      "\(folder)/cpu.stat",
      "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
        + (has("cpu") && !isRoot ? "nr_periods 40\nnr_throttled 12\nthrottled_usec 300000\n" : ""))
    if isRoot { return }
    try write("\(folder)/cgroup.events", "populated 1\nfrozen 0\n")
    if has("cpu") { try write("\(folder)/cpu.max", "max 100000\n") }
    if has("pids") { try write("\(folder)/pids.current", "3\n") }
    guard has("memory") else { return }
    try write("\(folder)/memory.current", "10000000\n")
    try write("\(folder)/memory.stat", "anon 4000000\nfile 6000000\ninactive_file 5000000\nactive_file 1000000\n")
    try write("\(folder)/memory.max", "max\n")
    try write("\(folder)/memory.high", "max\n")
    try write("\(folder)/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n")
  }

  /// The service's group on a machine that systemd runs.
  package static let service = "system.slice/openstarryd.service"

  /// Debian 12: only version 2, systemd's unit, all controllers.
  package static func debian() throws(SystemError) -> CgroupTree {
    let tree = try CgroupTree(group: "0::/\(service)\n", mounts: unified)
    try tree.group("", controllers: "cpu io memory pids", handsDown: "cpu memory pids", isRoot: true)
    try tree.group("system.slice", handsDown: "cpu memory pids")
    try tree.group(service, processes: "51\n52\n")
    return tree
  }

  /// Raspberry Pi OS, whose firmware disables the memory controller.
  package static func raspberryPi(
    commandLine: String = "coherent_pool=1M cgroup_disable=memory console=tty1\n"
  ) throws(SystemError) -> CgroupTree {
    let tree = try CgroupTree(group: "0::/\(service)\n", mounts: unified, commandLine: commandLine)
    try tree.group("", controllers: "cpu io pids", handsDown: "cpu pids", isRoot: true)
    try tree.group("system.slice", controllers: "cpu pids", handsDown: "cpu pids")
    try tree.group(service, controllers: "cpu pids", processes: "51\n52\n")
    return tree
  }

  /// Version 1 with all controllers, and version 2 without any.
  package static func hybrid() throws(SystemError) -> CgroupTree {
    let tree = try CgroupTree(
      group: "4:memory:/\(service)\n1:name=systemd:/\(service)\n0::/\(service)\n",
      mounts: """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n
        """)
    try tree.group("unified", controllers: "", isRoot: true)
    try tree.group("unified/system.slice", controllers: "")
    try tree.group("unified/\(service)", controllers: "", processes: "51\n52\n")
    return tree
  }

  /// A container with its own namespace: its group has the root's name but is not the root.
  package static func container() throws(SystemError) -> CgroupTree {
    let tree = try CgroupTree(group: "0::/\n", mounts: unified)
    try tree.group("", processes: "51\n")
    return tree
  }

  /// A process in the root group.
  package static func rootGroup() throws(SystemError) -> CgroupTree {
    let tree = try CgroupTree(group: "0::/\n", mounts: unified)
    try tree.group("", processes: "1\n51\n60\n", isRoot: true)
    return tree
  }

  private static let unified =
    "32 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:6 - cgroup2 cgroup2 rw,nsdelegate\n"
}
