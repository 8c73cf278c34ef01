import Linux
import TestKit
import Testing

@testable import Cgroup

/// Reading groups of several kinds of machines, each in a fixture folder.
@Suite struct ControlGroupTests {
  private func failure(_ tree: CgroupTree) -> CgroupError? {
    do throws(CgroupError) {
      _ = try ControlGroup.ofThisProcess(root: tree.root)
      return nil
    } catch {
      return error
    }
  }

  @Test func aServiceOnDebianHasAllMeters() throws {
    let tree = try CgroupTree.debian()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    #expect(group.name == "/system.slice/openstarryd.service" && group.absence(of: "memory") == nil)
    let memory = try group.memory()
    #expect(memory.needed == 5_000_000 && memory.current == 10_000_000 && memory.kills == 1)
    let cpu = try group.cpu()
    #expect(cpu.microseconds == 2_500_000 && cpu.throttled?.times == 12 && cpu.throttled?.microseconds == 300_000)
    #expect(try group.tasks == 3 && group.processes() == [51, 52])
    #expect(group.memoryLimit == nil && group.memoryHigh == nil && group.cpuLimit == nil)
  }

  @Test func theLowestLimitUpToTheTopCounts() throws {
    let tree = try CgroupTree.debian()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    try tree.write("sys/fs/cgroup/\(CgroupTree.service)/memory.max", "67108864\n")
    #expect(group.memoryLimit == 67_108_864)
    try tree.write("sys/fs/cgroup/system.slice/memory.max", "33554432\n")
    try tree.write("sys/fs/cgroup/system.slice/memory.high", "16777216\n")
    try tree.write("sys/fs/cgroup/\(CgroupTree.service)/cpu.max", "50000 100000\n")
    #expect(group.memoryLimit == 33_554_432 && group.memoryHigh == 16_777_216 && group.cpuLimit == 0.5)
  }

  @Test(arguments: [
    ("console=tty1 cgroup_disable=memory\n", ControllerAbsence.disabled("memory", afterEnabling: false)),
    ("cgroup_disable=pids,memory\n", .disabled("memory", afterEnabling: false)),
    ("cgroup_enable=memory quiet cgroup_disable=memory", .disabled("memory", afterEnabling: true)),
    ("cgroup_disable=memory cgroup_enable=memory\n", .notBuilt("memory")),
    ("cgroup_disable=memoryless disable=memory\n", .notBuilt("memory")),
  ])
  func theRemedyForARaspberryPiIsNamed(_ commandLine: String, _ absence: ControllerAbsence) throws {
    let tree = try CgroupTree.raspberryPi(commandLine: commandLine)
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    #expect(group.absence(of: "memory") == absence && absence.isOfKernel)
    #expect(throws: CgroupError.absent(absence)) { try group.memory() }
    #expect(try group.cpu().microseconds == 2_500_000)
    #expect(group.absence(of: "cpu") == nil && group.memoryLimit == nil)
  }

  @Test func onAHybridMachineVersionOneHasTheControllers() throws {
    let tree = try CgroupTree.hybrid()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    #expect(group.absence(of: "memory") == .versionOneHas("memory"))
    #expect(group.absence(of: "cpu") == .versionOneHas("cpu"))
    let cpu = try group.cpu()
    #expect(cpu.microseconds == 2_500_000 && cpu.throttled == nil, "without the controller nobody is held back")
    #expect(group.tasks == nil)
  }

  @Test func theRootOfAContainerIsAGroup() throws {
    let tree = try CgroupTree.container()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    try tree.write("sys/fs/cgroup/memory.max", "33554432\n")
    #expect(try group.name == "/" && group.memory().needed == 5_000_000 && group.memoryLimit == 33_554_432)
    try tree.write("sys/fs/cgroup/cgroup.controllers", "pids\n")
    #expect(group.absence(of: "memory") == .notEnabled("memory", by: "outside of this container"))
  }

  @Test func theRootGroupHasNoControllers() throws {
    let tree = try CgroupTree.rootGroup()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    #expect(group.absence(of: "memory") == .root)
  }

  @Test func theGroupThatDoesNotPassAControllerOnIsNamed() throws {
    let tree = try CgroupTree.debian()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    try tree.write("sys/fs/cgroup/\(CgroupTree.service)/cgroup.controllers", "cpu pids\n")
    try tree.write("sys/fs/cgroup/system.slice/cgroup.subtree_control", "cpu pids\n")
    #expect(group.absence(of: "memory") == .notEnabled("memory", by: "/system.slice"))
    try tree.write("sys/fs/cgroup/cgroup.subtree_control", "cpu\n")
    #expect(group.absence(of: "memory") == .notEnabled("memory", by: "/"))
  }

  @Test func machinesWithoutVersionTwoAreReported() throws {
    #expect(failure(try CgroupTree(group: "", mounts: "")) == .absent(.notMounted))
    let old = try CgroupTree(
      group: "4:memory:/x\n", mounts: "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
    #expect(failure(old) == .absent(.versionOneOnly))
    #expect("\(CgroupError.absent(.versionOneOnly))".contains("unified_cgroup_hierarchy=1"))
  }

  @Test func aGroupOutsideOfTheMountIsHidden() throws {
    let mount = "32 23 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    #expect(
      failure(try CgroupTree(group: "0::/docker/abcd\n", mounts: mount)) == .absent(.hidden(group: "/docker/abcd")))
    #expect(failure(try CgroupTree(group: "0::/../x\n", mounts: mount)) == .absent(.hidden(group: "/../x")))
    let tree = try CgroupTree(group: "0::/docker/abc/inner\n", mounts: mount)
    #expect(failure(tree) == .absent(.hidden(group: "/docker/abc/inner")), "its folder is gone")
    try tree.group("inner")
    #expect(try ControlGroup.ofThisProcess(root: tree.root).memory().needed == 5_000_000)
  }

  @Test(arguments: ["cpu.stat", "memory.current", "memory.stat"]) func malformedFilesAreErrors(_ name: String) throws {
    let tree = try CgroupTree.debian()
    let group = try ControlGroup.ofThisProcess(root: tree.root)
    try tree.write("sys/fs/cgroup/\(CgroupTree.service)/\(name)", "max\n")
    let file = "\(tree.root)/sys/fs/cgroup/\(CgroupTree.service)/\(name)"
    #expect(throws: CgroupError.malformed(file: file)) {
      if name == "cpu.stat" { _ = try group.cpu() } else { _ = try group.memory() }
    }
  }

  @Test func thisMachinesGroupIsReadable() throws {
    do throws(CgroupError) {
      let group = try ControlGroup.ofThisProcess()
      if group.absence(of: "memory") == nil { #expect(try group.memory().current > 0) }
    } catch {
      guard case .absent = error else { throw error }
      print("skipped: \(error)")
    }
  }
}
