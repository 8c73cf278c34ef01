import Document
import Launcher
import Linux
import Model
import Plugins

/// The container of one agent in a Docker engine: a request of its API (`POST /containers/create`), which the launcher's
/// stage completes and sends.
///
/// The engine runs as root and holds the container, so neither bubblewrap nor the launcher's control groups apply. What
/// podman's containers may not do is asked of the engine; the container ends with its stage.
package struct DockerContainer: Sendable {
  /// What the launcher executes.
  package let confinement: Confinement

  /// The container of a manifest's agent.
  /// - Parameters:
  ///   - image: its name.
  ///   - socket: the engine's socket.
  ///   - folder: where the launcher makes a folder for the agent's socket, which the engine mounts.
  ///   - hidden: files and folders of the daemon, which no agent sees.
  ///   - data: the folder that it may write to; nil for none.
  ///   - limits: the limits that the engine sets.
  ///   - system: the machine's files.
  package init(
    _ manifest: Manifest, image: String, socket: String, folder: String, plugins: [InstalledPlugin],
    hidden: [String] = [], data: String? = nil, limits: LaunchLimits, system: SystemFiles = SystemFiles()
  ) {
    var shown = ShownPaths(of: manifest, hidden: hidden)
    for path in shown.granted where shown.covered.contains(where: { Files.contains(path, $0) }) {
      shown.refuse(path, "has a file of the daemon in it, which a Docker engine cannot cover")
    }
    // Places that the stage fills in.
    for path in shown.granted where path.utf8.contains(UInt8(ascii: "{")) {
      shown.refuse(path, "has a brace, which containers of a Docker engine cannot show")
    }
    let door = "\(Files.folder(of: system.stage))/openstarry-door"
    var mounts: [Value] = [
      Self.mount("{{door}}", "\(Sandbox.home)/door"), Self.mount(door, "\(Sandbox.home)/openstarry-door"),
    ]
    for path in shown.granted { mounts.append(Self.mount(path, path)) }
    for plugin in plugins { mounts.append(Self.mount(plugin.path, "\(Sandbox.home)/plugins/\(plugin.name)")) }
    if let python = system.python { mounts.append(Self.mount(python, "\(Sandbox.home)/python")) }
    if let data { mounts.append(Self.mount(data, DataFolders.mount, isReadOnly: false)) }
    let environment = AgentVariables.of(manifest, hasProxy: false, hasData: data != nil)
    let request: Fields = [
      "Image": "{{image}}", "User": "{{uid}}:{{gid}}", "Hostname": "agent", "WorkingDir": "/",
      "Entrypoint": [.string("\(Sandbox.home)/openstarry-door")], "Cmd": ["{{command}}"],
      "Env": .list(environment.map(Value.string)),
      // Nothing that an image declares is carried out beside the agent.
      "Healthcheck": ["Test": ["NONE"]], "AttachStdin": false,
      "Labels": [
        "org.openstarry.folder": .string(folder), "org.openstarry.stage": "{{stage}}",
        "org.openstarry.begin": "{{begin}}", "org.openstarry.agent": .string(manifest.id.rawValue),
      ],
      "HostConfig": .map(Self.confine(limits, mounts)),
    ]
    let arguments = manifest.runtime.arguments
    confinement = Confinement(
      words: [
        system.stage, "--engine", socket, folder, image,
        arguments.isEmpty ? "null" : JSON.text(.list(arguments.map(Value.string))), JSON.text(.map(request)),
      ],
      environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], refused: shown.refused, filter: nil, data: data,
      kind: .engine)
  }

  private static func mount(_ source: String, _ target: String, isReadOnly: Bool = true) -> Value {
    // Mounts below the source are not shown: they could be written to.
    [
      "Type": "bind", "Source": .string(source), "Target": .string(target), "ReadOnly": .bool(isReadOnly),
      "BindOptions": ["NonRecursive": true],
    ]
  }

  private static func confine(_ limits: LaunchLimits, _ mounts: [Value]) -> Fields {
    func ulimit(_ name: String, _ most: UInt64) -> Value {
      ["Name": .string(name), "Soft": .int(Int64(clamping: most)), "Hard": .int(Int64(clamping: most))]
    }
    var fields: Fields = [
      "NetworkMode": "none", "IpcMode": "none", "Privileged": false, "ReadonlyRootfs": true, "CapDrop": ["ALL"],
      "SecurityOpt": ["no-new-privileges"], "Mounts": .list(mounts), "LogConfig": ["Type": "none"],
      // runc gives it the mode of the image's folder, which only the owner may write to in some.
      "Tmpfs": ["/tmp": .string("size=\(Sandbox.temporary),mode=0700,uid={{uid}},gid={{gid}}")], "OomScoreAdj": 500,
      "PidsLimit": .int(Int64(limits.tasks)),
      "Ulimits": [
        ulimit("core", 0), ulimit("nofile", UInt64(limits.descriptors)), ulimit("fsize", limits.fileSize),
      ],
    ]
    if limits.memory > 0 {
      fields["Memory"] = .int(Int64(clamping: limits.memory))
      // As much with swap as without: none.
      fields["MemorySwap"] = .int(Int64(clamping: limits.memory))
    }
    // From microseconds in 100 ms to billionths of a core.
    if limits.cpu > 0 { fields["NanoCpus"] = .int(Int64(clamping: limits.cpu * 10_000)) }
    return fields
  }
}
