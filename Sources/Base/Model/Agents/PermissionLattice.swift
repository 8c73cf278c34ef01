/// The permission lattice: a child agent may do only what its parent may. `parent` in the manifest names the parent.
package enum PermissionLattice {
  /// How deep a tree of agents may be. An agent without a parent has depth 0.
  package static let greatestDepth = 3

  /// Something that a child asks for and its parent does not have.
  package struct Excess: Sendable, Hashable {
    /// The kind of excess, as the upstream protocol names it.
    package enum Reason: String, Sendable {
      case path = "PATH_VIOLATION"
      case budget = "BUDGET_EXCEEDED"
      case capability = "CAPABILITY_VIOLATION"
      case depth = "DEPTH_EXCEEDED"
    }
    /// The kind of excess.
    package var reason: Reason
    /// What it asks for, such as `actuator 'pump'`.
    package var text: String

    /// - Parameter text: what it asks for, such as `actuator 'pump'`.
    package init(reason: Reason, text: String) {
      self.reason = reason
      self.text = text
    }
  }

  /// Checks an agent against its parent and its place in the tree.
  /// - Parameters:
  ///   - resolve: follows the links of a path; by default none.
  ///   - known: the manifest of a registered agent; nil for an unknown one, which sets no limits.
  /// - Returns: what exceeds the parent's; empty when nothing does, or there is no parent.
  package static func excess(
    of child: Manifest, resolving resolve: (String) -> String = { $0 }, _ known: (AgentID) -> Manifest?
  ) -> [Excess] {
    guard let parent = child.parent.flatMap(known) else { return [] }
    var path = [child.id, parent.id]
    var above = parent
    // A cycle, which is broken somewhere, has no depth.
    while path.count <= greatestDepth + 1, let next = above.parent.flatMap(known), !path.contains(next.id) {
      path.append(next.id)
      above = next
    }
    guard path.count <= greatestDepth + 1 else {
      return [Excess(reason: .depth, text: "a place more than \(greatestDepth) levels below the top of the tree")]
    }
    return excess(of: child, over: parent, resolving: resolve)
  }

  /// Compares the permissions and the tokens of a child with those of its parent. The folder of a program that does not lie
  /// below its manifest is a path that the child asks for.
  /// - Parameter resolve: follows the links of a path; by default none.
  /// - Returns: what exceeds the parent's; empty when nothing does.
  package static func excess(
    of child: Manifest, over parent: Manifest, resolving resolve: (String) -> String = { $0 }
  ) -> [Excess] {
    let (asked, had) = (child.permissions, parent.permissions)
    var found: [Excess] = []
    func compare(_ kind: String, _ asked: [EventPattern], _ had: [EventPattern]) {
      for pattern in asked where !had.contains(where: { $0.includes(pattern) }) {
        found.append(Excess(reason: .capability, text: "\(kind) '\(pattern)'"))
      }
    }
    compare("sensor", asked.sensors, had.sensors)
    compare("actuator", asked.actuators, had.actuators)
    compare("camera", asked.cameras, had.cameras)
    compare("emitting", asked.emit, had.emit)
    if asked.model, !had.model { found.append(Excess(reason: .capability, text: "a model")) }
    for host in asked.hosts where !had.hosts.contains(where: { HostEntry($0).includes(HostEntry(host)) }) {
      found.append(Excess(reason: .capability, text: "host '\(host)'"))
    }
    if let data = asked.data, data > had.data ?? 0 {
      found.append(
        Excess(
          reason: .capability,
          text:
            "a folder of \(EventSentence.byteCount(Int64(data))), more than \(EventSentence.byteCount(Int64(had.data ?? 0)))"
        ))
    }
    let folders = had.paths.map { resolve(absolute($0, in: parent)) }
    for path in asked.paths.map({ absolute($0, in: child) })
    where !folders.contains(where: { contains($0, resolve(path)) }) {
      found.append(Excess(reason: .path, text: "path '\(path)'"))
    }
    if child.runtime.driver == .process {
      let own = [child, parent].compactMap { folder(of: $0).map(resolve) } + ["/usr"] + folders
      let program = resolve(absolute(child.runtime.entry, in: child))
      // Relative: the manifest came without a file, and cannot run.
      if program.hasPrefix("/"), !own.contains(where: { contains($0, program) }) {
        found.append(Excess(reason: .path, text: "the folder of its program '\(program)'"))
      }
    }
    for limit in parent.budget.tokens.all {
      for asked in child.budget.tokens.all where asked.exceeds(limit) {
        found.append(Excess(reason: .budget, text: "\(asked), more than \(limit)"))
      }
    }
    return found
  }

  /// A sentence that names the excess, after the name of the child.
  package static func sentence(_ excess: [Excess], parent: AgentID) -> String {
    "asks for more than its parent '\(parent)' has: \(excess.map(\.text).joined(separator: ", "))"
  }

  /// Relative paths start in the folder of the manifest.
  private static func absolute(_ path: String, in manifest: Manifest) -> String {
    guard !path.hasPrefix("/"), let folder = folder(of: manifest) else { return path }
    return "\(folder)/\(path)"
  }

  /// The folder of a manifest's file; nil when it came without one.
  private static func folder(of manifest: Manifest) -> String? {
    manifest.file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(manifest.file[..<$0]) }
  }

  /// Whether the path is the folder or lies in it, byte by byte as the kernel compares names. Links may not be resolved,
  /// so `..` never lies in a folder.
  private static func contains(_ folder: String, _ path: String) -> Bool {
    func parts(_ path: String) -> [[UInt8]] {
      path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != Array(".".utf8) }
    }
    let (outer, inner) = (parts(folder), parts(path))
    return inner.starts(with: outer) && !inner.dropFirst(outer.count).contains(Array("..".utf8))
  }
}

extension EventPattern {
  /// Whether every name that `other` matches is matched by this pattern, too. Never wrong with true; false for some
  /// pairs of several wildcards.
  package func includes(_ other: EventPattern) -> Bool {
    // A wildcard of `other` is an ordinary character here, and only a wildcard of this pattern matches it.
    matches(other.text)
  }
}
