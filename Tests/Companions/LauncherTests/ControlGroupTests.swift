import Launcher
import Linux
import TestKit
import Testing

@testable import openstarry_launcher

/// The launcher's control groups, in a fixture folder.
@Suite struct ControlGroupTests {
  private let tree: CgroupTree
  private static let child = "\(CgroupTree.service)/agent-climate-1"

  init() throws {
    tree = try CgroupTree.debian()
    try tree.group("\(CgroupTree.service)/launcher")
  }

  private func groups(_ tree: CgroupTree) -> ControlGroups { ControlGroups(root: Array(tree.root.utf8)) }

  private func text(_ file: String) throws -> String {
    String(decoding: try Files.read("\(tree.root)/sys/fs/cgroup/\(file)"), as: UTF8.self)
  }

  private func plan(memory: UInt64 = 0, cpu: UInt64 = 0, tasks: UInt32 = 0) -> LaunchPlan {
    var limits = LaunchLimits()
    limits.memory = memory
    limits.cpu = cpu
    limits.tasks = tasks
    return LaunchPlan(id: 1, name: Array("climate-1".utf8), words: [Array("/x".utf8)], limits: limits)
  }

  private func makeChild(controllers: String = "cpu memory pids") throws {
    try tree.group(Self.child, controllers: controllers)
    for file in ["pids.max", "cgroup.kill", "memory.swap.max", "memory.oom.group"] where controllers.contains("pids") {
      try tree.write("sys/fs/cgroup/\(Self.child)/\(file)", "")
    }
  }

  @Test func theLauncherMovesIntoAGroupOfItsOwn() throws {
    #expect(groups(tree).controllers == [.groups, .memory, .cpu, .pids])
    #expect(try text("\(CgroupTree.service)/launcher/cgroup.procs") == "0")
    #expect(try text("\(CgroupTree.service)/cgroup.subtree_control").hasPrefix("+pids"), "one at a time")
  }

  @Test func aGroupIsMade() throws {
    let made = try #require(groups(tree).make(plan()))
    #expect(made.errno == 0 && made.folder == Array("\(tree.root)/sys/fs/cgroup/\(Self.child)".utf8))
    #expect(Files.isFolder("\(tree.root)/sys/fs/cgroup/\(Self.child)"))
    #expect(SmallFiles.removeFolder(made.folder) && SmallFiles.removeFolder(made.folder))
  }

  @Test func limitsAreSet() throws {
    try makeChild()
    let made = try #require(groups(tree).make(plan(memory: 64 << 20, cpu: 25_000, tasks: 16)))
    #expect(made.errno == 0)
    #expect(try text("\(Self.child)/memory.max").hasPrefix("67108864"))
    #expect(try text("\(Self.child)/memory.swap.max") == "0" && text("\(Self.child)/memory.oom.group") == "1")
    #expect(try text("\(Self.child)/cpu.max").hasPrefix("25000 100000"))
    #expect(try text("\(Self.child)/pids.max") == "16")
  }

  @Test func theStartOfAContainerHasRoomForPodman() throws {
    try makeChild()
    var plan = plan(memory: 32 << 20, cpu: 25_000, tasks: 16)
    plan.kind = .container
    let before = try text("\(Self.child)/cpu.max")
    let groups = groups(tree)
    let made = try #require(groups.make(plan))
    #expect(try text("\(Self.child)/memory.max").hasPrefix("134217728"))
    #expect(try text("\(Self.child)/pids.max") == "208" && text("\(Self.child)/cpu.max") == before)
    // Files of the kernel would be shorter now; those of the fixture keep their rest.
    #expect(groups.set(plan.limits, on: made.folder) == 0)
    #expect(try text("\(Self.child)/memory.max").hasPrefix("33554432"))
    #expect(try text("\(Self.child)/pids.max").hasPrefix("16") && text("\(Self.child)/cpu.max").hasPrefix("25000 "))
  }

  @Test func oneThatADeadLauncherHasLeftIsEmptiedFirst() throws {
    try makeChild()
    _ = groups(tree).make(plan())
    #expect(try text("\(Self.child)/cgroup.kill") == "1")
  }

  @Test func aMissingControllerIsAnError() throws {
    try makeChild(controllers: "cpu")
    #expect(try #require(groups(tree).make(plan(cpu: 100_000))).errno == 0)
    #expect(try #require(groups(tree).make(plan(memory: 1 << 20))).errno != 0)
    #expect(try #require(groups(tree).make(plan(tasks: 4))).errno != 0)
  }

  @Test func anEndForMemoryIsSeen() throws {
    try makeChild()
    let folder = Array("\(tree.root)/sys/fs/cgroup/\(Self.child)".utf8)
    #expect(ControlGroups.isOutOfMemory(folder))
    try tree.write("sys/fs/cgroup/\(Self.child)/memory.events", "low 0\noom 0\noom_kill 0\n")
    #expect(!ControlGroups.isOutOfMemory(folder))
  }

  @Test func withoutGroupsOfItsOwnThereAreNone() throws {
    for tree in [try CgroupTree.rootGroup(), try CgroupTree(group: "", mounts: "")] {
      let groups = groups(tree)
      #expect(groups.controllers == [] && groups.make(plan()) == nil)
    }
  }

  @Test func numbersOfTheKernelsFiles() {
    let text = Array("usage_usec 2500000\nuser_usec 7\n".utf8)
    #expect(text.number(after: "user_usec ") == 7 && text.number(after: "nothing ") == nil)
    #expect(Array("12  345x6\n".utf8).numbers == [12, 345, 6] && [UInt8](digits: 1024) == Array("1024".utf8))
  }
}
