import Linux
import TestKit
import Testing

@testable import Cgroup

/// Changes of groups, in a fixture folder.
@Suite struct ChangeTests {
  private let tree: CgroupTree
  private let group: ControlGroup
  private let child = "\(CgroupTree.service)/agent-climate"

  init() throws {
    tree = try CgroupTree.debian()
    group = try ControlGroup.ofThisProcess(root: tree.root)
  }

  private func text(_ file: String) throws -> String {
    String(decoding: try Files.read("\(tree.root)/sys/fs/cgroup/\(file)"), as: UTF8.self)
  }

  @Test func aChildGroupIsMadeOrReused() throws {
    let made = try group.makeChild("agent-climate")
    #expect(made.name == "/system.slice/openstarryd.service/agent-climate")
    #expect(Files.isFolder("\(tree.root)/sys/fs/cgroup/\(child)"))
    #expect(try group.makeChild("agent-climate") == made, "one that a dead daemon has left is taken over")
    try made.remove()
    #expect(!Files.exists("\(tree.root)/sys/fs/cgroup/\(child)"))
    try made.remove()
  }

  @Test func limitsAreSetAndProcessesMovedAndKilled() throws {
    try tree.group(child)
    for file in ["pids.max", "cgroup.kill", "cgroup.freeze"] { try tree.write("sys/fs/cgroup/\(child)/\(file)", "") }
    let made = try group.makeChild("agent-climate")
    try made.setLimits(.init(memory: 64 << 20, memoryHigh: 60 << 20, cpu: 0.25, tasks: 16))
    #expect(try text("\(child)/memory.max").hasPrefix("67108864"))
    #expect(try text("\(child)/memory.high").hasPrefix("62914560"))
    #expect(try text("\(child)/cpu.max").hasPrefix("25000 100000"))
    #expect(try text("\(child)/pids.max") == "16")
    #expect(made.memoryLimit == 64 << 20 && made.cpuLimit == 0.25)
    try made.add(4711)
    try made.freeze(true)
    try made.kill()
    #expect(try text("\(child)/cgroup.procs") == "4711" && text("\(child)/cgroup.kill") == "1")
    #expect(try text("\(child)/cgroup.freeze") == "1")
  }

  @Test func aMissingControllerIsAnError() throws {
    try tree.group(child, controllers: "cpu")
    let made = try group.makeChild("agent-climate")
    try made.setLimits(.init(cpu: 1))
    #expect(throws: CgroupError.self) { try made.setLimits(.init(memory: 1 << 20)) }
    #expect(throws: CgroupError.self) { try made.setLimits(.init(tasks: 4)) }
  }

  @Test func aRefusalOfTheKernelIsAnError() throws {
    let made = try group.makeChild("agent-climate")
    var caught: CgroupError?
    do throws(CgroupError) { try made.kill() } catch { caught = error }
    #expect(caught?.description.hasSuffix("agent-climate/cgroup.kill: No such file or directory") == true)
    try group.enableForChildren("memory")
    #expect(try text("\(CgroupTree.service)/cgroup.subtree_control").hasPrefix("+memory"))
  }
}
