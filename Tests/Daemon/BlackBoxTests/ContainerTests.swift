import Glibc
import Linux
import Model
import ProcessTestKit
import Testing

/// An agent in a container, by the built programs.
@Suite(.enabled(if: ContainerRoom.absence == nil, "\(ContainerRoom.absence ?? "")")) struct ContainerTests {
  private let station: Station

  init() throws {
    let script = #"""
      printf '{"method":"ready","params":{"abi":1}}\n' >&3
      while read -r line <&3; do
        case $line in *'"activate"'*)
          printf '{"id":1,"method":"controlActuator","params":{"id":"lamp","command":"on","lease_ms":600000}}\n' >&3
          read -r answer <&3
          echo "the lamp is on" ;;
        esac
        id=${line#*'"id":'}
        printf '{"id":%s,"result":{}}\n' "${id%%,*}" >&3
      done
      """#
    station = try Station(files: ["board.yaml": quietBoard, "agents/holder/hold.sh": script])
    try station.write(
      "agents/holder/agent.json",
      """
      {"identity": {"id": "holder", "name": "Holder"},
       "runtime": {"driver": "docker", "entry": "\(ContainerRoom.image)",
                   "args": ["/bin/sh", "\(station.folder)/agents/holder/hold.sh"]},
       "capabilities": {"permissions": {"actuators": ["lamp"], "fs_allow_paths": ["hold.sh"]}}}
      """)
    // Agents run as another user.
    try #require(station.start("chmod", ["-R", "a+rX", station.folder]).wait() == 0)
  }

  /// The first processes of the agent's containers.
  private var containers: [pid_t] {
    let wanted = Array("/bin/sh\u{0}\(station.folder)/agents/holder/hold.sh\u{0}".utf8)
    return ((try? Files.names(in: "/proc")) ?? []).compactMap { pid_t($0) }.filter { process in
      (try? Files.read("/proc/\(process)/cmdline")) == wanted
    }
  }

  private func wakeAndWait() throws {
    let woken = try station.run("wake", "holder", "test:go")
    #expect(woken.code == 0, "\(woken.errors)")
    let isHeld = try eventually(pause: .milliseconds(200)) {
      try station.run("devices").output.contains("held by agent/holder")
    }
    let history = try station.run("history").output
    #expect(isHeld, "\(history)")
    #expect(eventually { containers.count == 1 })
  }

  @Test func itEndsWithTheLauncherAndWithTheDaemon() throws {
    let daemon = try station.daemon(environment: ["OPENSTARRY_IMAGES": ContainerRoom.images ?? ""])
    try wakeAndWait()
    #expect(try station.run("ps", "--verbose").output.contains("docker"))
    #expect(try station.run("logs", "holder").output.contains("the lamp is on"))

    let first = containers
    let children = String(
      decoding: try Files.read("/proc/\(daemon.pid)/task/\(daemon.pid)/children"), as: UTF8.self)
    let launcher = children.split(separator: " ").compactMap { pid_t($0) }.first { process in
      (try? Files.read("/proc/\(process)/comm")) == Array("openstarry-laun\n".utf8)
    }
    kill(try #require(launcher), SIGKILL)
    #expect(
      try station.waitFor("device:changed") {
        $0["source"] == "lamp" && $0["payload"]?["state"]?.double == 0 && $0["payload"]?["reason"] == "holder-ended"
      })
    #expect(try !station.run("devices").output.contains("held by agent/holder"))
    #expect(eventually { !containers.contains { first.contains($0) } })

    // The next one starts by itself, with another launcher.
    try wakeAndWait()
    daemon.send(SIGKILL)
    #expect(eventually { containers.isEmpty })
  }
}

/// `openstarry-images`.
@Suite struct ImagesTests {
  private let station: Station

  init() throws { station = try Station() }

  private func script(_ words: [String], as user: Int? = nil, folder: String) throws -> Station.Outcome {
    let change = user.map { ["setpriv", "--reuid", "\($0)", "--regid", "\($0)", "--clear-groups"] } ?? []
    let program = try station.start(
      "/usr/bin/env", change + ["/bin/sh", "\(station.folder)/images"] + words, ["OPENSTARRY_IMAGES": folder])
    let code = program.wait()
    return Station.Outcome(code: code, output: program.output, errors: program.errors)
  }

  private func copyScript(_ change: (String) -> String = { $0 }) throws {
    let text = String(decoding: try Files.read("\(Station.repository)/systemd/images"), as: UTF8.self)
    try station.write("images", change(text))
    try #require(station.start("chmod", ["a+rX", station.folder, "\(station.folder)/images"]).wait() == 0)
  }

  @Test(.enabled(if: geteuid() == 0 && ContainerRoom.absence == nil)) func everyUserHasImagesOfTheirOwn() throws {
    try copyScript()
    for user in [54_321, 54_322] {
      let folder = "\(station.folder)/\(user)"
      try #require(station.start("install", ["-d", "-o", "\(user)", "-g", "\(user)", folder]).wait() == 0)
      let listed = try script(["images"], as: user, folder: "\(folder)/images")
      #expect(listed.code == 0 && listed.errors.isEmpty, "\(listed)")
    }
  }

  @Test func whatIsMissingIsCalledByItsPackage() throws {
    let bin = "\(station.folder)/bin"
    try copyScript { $0.replacing("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n", with: "PATH=\(bin)\n") }
    func complaint() throws -> String {
      let outcome = try script(["images"], folder: "\(station.folder)/none")
      #expect(outcome.code == 69 && outcome.output.isEmpty, "\(outcome)")
      return outcome.errors
    }
    func install(_ name: String) throws {
      try station.write("bin/\(name)", "#!/bin/false\n")
      try #require(station.start("chmod", ["755", "\(bin)/\(name)"]).wait() == 0)
    }
    #expect(try complaint() == "openstarry-images: podman is not installed: apt install podman crun\n")
    try install("podman")
    if !Files.isFile("/usr/libexec/podman/conmon") {
      #expect(try complaint() == "openstarry-images: conmon is not installed: apt install conmon\n")
    }
    try install("conmon")
    #expect(try complaint() == "openstarry-images: crun is not installed: apt install crun\n")
  }
}
