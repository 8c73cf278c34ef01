import Config
import Model
import Testing

/// Exact messages for manifests.
@Suite struct ManifestErrorTests {
  @Test func everythingIsSaidAtOnce() {
    #expect(
      complaints(
        .agent,
        """
        identity: {id: "-x", nam: y}
        runtime: {driver: wsm, entry: "", lifecyle: always}
        budget: {memory: lots, cpu: 10, activation: 0s, tokens: 5, evnts: 1/s}
        policy: {restart: sometimes, max_restarts: -1, priority: 9, grace: 10m, backoff: 20s}
        subscribe: [temperature, "a b:c", 7]
        capabilitys: {}
        """) == #"""
          f:1:16: 'id' is '-x', expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit
          f:1:22: warning: 'identity' has an unknown key 'nam' (did you mean 'name'?)
          f:2:19: 'driver' is 'wsm', expected in-process, process, wasm or docker (did you mean 'wasm'?)
          f:2:31: 'entry' is '', expected text: the program
          f:2:35: 'runtime' has an unknown key 'lifecyle' (did you mean 'lifecycle'?)
          f:3:18: 'memory' is 'lots', expected a size such as 4MiB or 512KiB
          f:3:29: 'cpu' is 10, expected a percentage such as 10%
          f:3:45: 'activation' is '0s', expected a duration such as 500ms, 10s or 1m30s (at least 1us)
          f:3:57: 'tokens': a limit is a text or a list of texts; write '10k/h' or ['10k/h', '200k/d']
          f:3:60: 'budget' has an unknown key 'evnts' (did you mean 'events'?)
          f:4:19: 'restart' is 'sometimes', expected never, on-failure or always
          f:4:44: 'max_restarts' is -1, expected an integer from 0 to 1000
          f:4:58: 'priority' is 9, expected 0 (emergency) to 5 (background), or emergency, critical, high, \#
          normal, low or background
          f:4:68: 'grace' is '10m', expected a duration of at most 300s such as 30s
          f:5:13: an entry of 'subscribe' is 'temperature', expected an event name such as sensor:temperature \#
          or a pattern such as sensor:*
          f:5:26: an entry of 'subscribe' is 'a b:c', expected an event name such as sensor:temperature or a \#
          pattern such as sensor:*
          f:5:35: an entry of 'subscribe' is 7, expected an event name such as sensor:temperature or a pattern \#
          such as sensor:*
          f:6:1: warning: the manifest has an unknown key 'capabilitys' (did you mean 'capabilities'?)
          """#)
  }

  /// A shadow whose key is misspelt would move things.
  @Test(arguments: ["shadw", "Shadow", "shadows"]) func aMisspeltShadowIsAnError(key: String) {
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a}
        runtime: {driver: process, entry: x}
        \(key): true
        """) == "f:3:1: the manifest has an unknown key '\(key)' (did you mean 'shadow'?)")
  }

  @Test func shadowsThatAreNone() {
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a}
        runtime: {driver: process, entry: x}
        capabilities: {permissions: {actuators: [fan]}}
        shadow: sometimes
        """) == "f:4:9: 'shadow' is 'sometimes', expected true or false")
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a}
        runtime: {driver: process, entry: x}
        shadow: true
        """)
        == "f:3:9: warning: the agent is a shadow and may command no output: there is nothing to compare, and what else it "
        + "would do is counted ('actuators' of 'capabilities.permissions')")
  }

  @Test func boundsOfToolsThatAreNone() {
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a}
        runtime: {driver: process, entry: x}
        policy: {maxConcurrentTools: 0, toolTimeout: -1}
        execution: {toolTimeout: soon}
        """) == #"""
          f:3:30: 'maxConcurrentTools' is 0, expected an integer of at least 1
          f:3:46: 'toolTimeout' is -1, expected a duration such as 30s, or an integer of milliseconds, of at least 1ms
          f:4:26: 'toolTimeout' is 'soon', expected a duration such as 30s, or an integer of milliseconds, of at \#
          least 1ms
          """#)
  }

  @Test func keysOfOtherIsolationsAreNamed() {
    let found = complaints(.agent, "identity: {id: a}\nruntime: {driver: wasm, entry: a.wasm, args: [x]}\n")
    #expect(found.contains("'runtime' has 'args', which only 'process' and 'docker' have"), "\(found)")
    let image = complaints(.agent, "identity: {id: a}\nruntime: {driver: docker, entry: 'a:1', args: [x]}\n")
    #expect(!image.contains("args"), "\(image)")
  }

  /// Comparing a name of one letter and many combining marks once took seconds.
  @Test func longNamesAreRefusedAndLongKeysAreOnlyCompared() {
    let marks = String(repeating: "\u{301}", count: 20_000)
    // YAML keys cannot be longer.
    let key = String(repeating: "\u{301}", count: 400)
    let found = complaints(
      .agent,
      """
      identity: {id: "a\(marks)", name: "n\(marks)"}
      runtime: {driver: "i\(marks)", entry: "e\(marks)"}
      subscribe: ["x:y\(marks)", "\(String(repeating: "x", count: 127)):y"]
      "p\(key)": {}
      """)
    #expect(found.contains("'name' has 40001 bytes, expected at most 128"), "\(found.count)")
    #expect(found.contains("'entry' has 40001 bytes, expected at most 4096"))
    #expect(found.split(separator: "\n").count { $0.contains("an entry of 'subscribe' is '") } == 2)
    #expect(found.split(separator: "\n").allSatisfy { $0.utf8.count < 400 }, "messages show the beginning")
  }

  /// A slash or a star with a combining mark after it is another character to Swift, and none to the kernel.
  @Test(arguments: [
    ("../\u{301}x", "'..' leads out"), ("/srv/\u{301}/../x", "'..' leads out"), ("/dev/\u{301}", "through the daemon"),
    ("/srv/*\u{301}", "wildcards are not supported"), ("/\u{301}/..", "'..' leads out"),
  ]) func pathsAreReadAsTheKernelReadsThem(_ path: String, _ why: String) {
    let found = complaints(
      .agent,
      """
      identity: {id: a}
      runtime: {driver: process, entry: x}
      capabilities: {permissions: {fs_allow_paths: ["\(path)"]}}
      """)
    #expect(found.holds(why), "\(found)")
  }

  @Test func whatNobodyMayHave() {
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a}
        runtime: {driver: process, entry: x}
        capabilities:
          allowedPaths: [/, .., /etc/*]
          plugins: [../x, "a b", {path: y}]
          permissions:
            sensors: ["temp erature", ""]
            actuators: [{}]
            emit: ["sensor:temperature", "nonsense", "system:*"]
            model: yes
            fs_allow_paths: [/dev/gpiochip0, /sys/class, /proc/1, /srv/../dev, "//", 5]
            network_allow_hosts: ["https://example.org/x", "*", "fd00::1", "a.example:0"]
            actuator: [fan]
        """) == #"""
          f:4:18: an entry of 'allowedPaths' is '/': no agent may read everything, expected a folder or file \#
          such as ./data or /srv/data
          f:4:21: an entry of 'allowedPaths' is '..': '..' leads out of the allowed folder, expected a folder or \#
          file such as ./data or /srv/data
          f:4:25: an entry of 'allowedPaths' is '/etc/*': wildcards are not supported, \#
          expected a folder or file such as ./data or /srv/data
          f:5:13: an entry of 'plugins' is '../x', expected a plugin such as tables@1 or @scope/tables@1.2.0
          f:5:19: an entry of 'plugins' is 'a b', expected a plugin such as tables@1 or @scope/tables@1.2.0
          f:5:26: an entry of 'plugins' has no 'name', expected a plugin such as tables@1 or @scope/tables@1.2.0
          f:7:15: an entry of 'sensors' is 'temp erature', expected a device id or a pattern such as temp* \#
          (letters, digits, '.', '_', '-' and '*')
          f:7:31: an entry of 'sensors' is '', expected a device id or a pattern such as temp* (letters, \#
          digits, '.', '_', '-' and '*')
          f:8:17: an entry of 'actuators' is a map, expected a device id or a pattern such as temp* (letters, \#
          digits, '.', '_', '-' and '*')
          f:9:12: an entry of 'emit' is 'sensor:temperature', but only the daemon publishes 'sensor:', expected a \#
          domain of the agent's own
          f:9:34: an entry of 'emit' is 'nonsense', expected an event name such as sensor:temperature or a \#
          pattern such as sensor:*
          f:9:46: an entry of 'emit' is 'system:*', but only the daemon publishes 'system:', expected a domain of \#
          the agent's own
          f:10:12: 'model' is 'yes', expected true or false
          f:11:22: an entry of 'fs_allow_paths' is '/dev/gpiochip0': agents reach hardware through the daemon \#
          only, expected a folder or file such as ./data or /srv/data
          f:11:38: an entry of 'fs_allow_paths' is '/sys/class': agents reach hardware through the daemon only, \#
          expected a folder or file such as ./data or /srv/data
          f:11:50: an entry of 'fs_allow_paths' is '/proc/1': agents may not look at other processes, expected \#
          a folder or file such as ./data or /srv/data
          f:11:59: an entry of 'fs_allow_paths' is '/srv/../dev': '..' leads out of the allowed folder, expected a \#
          folder or file such as ./data or /srv/data
          f:11:72: an entry of 'fs_allow_paths' is '//': no agent may read everything, expected a folder or \#
          file such as ./data or /srv/data
          f:11:78: an entry of 'fs_allow_paths' is 5, expected a folder or file such as ./data or /srv/data
          f:12:27: an entry of 'network_allow_hosts' is 'https://example.org/x', expected a host such as \#
          api.example.org, *.example.org, 192.0.2.1:8080 or [2001:db8::1]:80, not a URL
          f:12:52: an entry of 'network_allow_hosts' is '*', expected a host such as \#
          api.example.org, *.example.org, 192.0.2.1:8080 or [2001:db8::1]:80, not a URL
          f:12:57: an entry of 'network_allow_hosts' is 'fd00::1', expected a host such as \#
          api.example.org, *.example.org, 192.0.2.1:8080 or [2001:db8::1]:80, not a URL
          f:12:68: an entry of 'network_allow_hosts' is 'a.example:0', expected a host such as \#
          api.example.org, *.example.org, 192.0.2.1:8080 or [2001:db8::1]:80, not a URL
          f:13:5: 'permissions' has an unknown key 'actuator' (did you mean 'actuators'?)
          """#)
  }

  @Test func variables() {
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a, name: "${HOM}"}
        runtime: {driver: process, entry: "${UNSET_VARIABLE}/x"}
        guide: ["${", "${1}", "${}", "${a b}"]
        """) == #"""
          f:1:25: environment variable 'HOM' is not set (did you mean 'HOME'?), expected it in the daemon's environment
          f:2:35: environment variable 'UNSET_VARIABLE' is not set, expected it in the daemon's environment
          f:3:8: 'guide' is a list, expected text
          f:3:9: a '${' has no '}', expected ${NAME}, or $${ for the characters themselves
          f:3:15: '${1}' names no environment variable, expected letters, digits and '_' between the braces, or \#
          $${ for the characters themselves
          f:3:23: '${}' names no environment variable, expected letters, digits and '_' between the braces, or \#
          $${ for the characters themselves
          f:3:30: '${a b}' names no environment variable, expected letters, digits and '_' between the braces, \#
          or $${ for the characters themselves
          """#)
  }

  @Test func nothingAtAll() {
    #expect(
      complaints(.agent, "{}") == #"""
        f:1:1: the manifest has no 'identity', expected a map with 'id' and 'name'
        f:1:1: warning: the manifest has no 'runtime' and no 'cognition': it loads without a program; add a \#
        'runtime' with 'driver' and 'entry' to run it here
        """#)
    #expect(
      complaints(.agent, "[]") == #"""
        f:1:1: the manifest is a list, expected a map
        """#)
    #expect(
      complaints(.agent, "identity: 5\nruntime: 6\ncapabilities: 7\nbudget: 8\npolicy: 9\nsandbox: 10") == #"""
        f:1:11: 'identity' is 5, expected a map
        f:2:10: 'runtime' is 6, expected a map
        f:3:15: 'capabilities' is 7, expected a map
        f:4:9: 'budget' is 8, expected a map
        f:5:9: 'policy' is 9, expected a map
        f:6:10: 'sandbox' is 10, expected a map
        """#)
  }

  @Test func devicesThatTheBoardDoesNotHave() throws {
    let board = try ConfigText.board(
      Array("name: sim\nbackend: simulated\ndevices: {temperature: {kind: sensor}, fan: {kind: actuator}}".utf8),
      file: "b"
    ).0
    #expect(
      complaints(
        .agent,
        """
        identity: {id: a}
        runtime: {driver: process, entry: x}
        capabilities: {permissions: {sensors: [temprature, fan, temp*, h*], actuators: [fan], cameras: cam0}}
        subscribe: ["sensor:temperature", "input:door", "sensor:temperatur", "x:y"]
        """, board: board) == #"""
          f:3:40: warning: board 'sim' has no sensor or input 'temprature' (did you mean 'temperature'?)
          f:3:52: warning: board 'sim' has no sensor or input 'fan'
          f:3:64: warning: board 'sim' has no sensor or input 'h*'
          f:3:96: warning: board 'sim' has no camera 'cam0'
          f:4:35: warning: board 'sim' has no input 'door', and no other input
          f:4:49: warning: board 'sim' has no sensor 'temperatur' (did you mean 'temperature'?)
          """#)
  }

  @Test func argumentsThatNoCommandLineTakes() {
    func found(_ count: Int) -> String {
      let words = (0..<count).map { _ in String(repeating: "x", count: 1023) }.joined(separator: ", ")
      return complaints(.agent, "identity: {id: a}\nruntime: {driver: docker, entry: 'a:1', args: [\(words)]}\n")
    }
    #expect(!found(32).contains("'args'"))
    #expect(found(33).contains("f:2:47: 'args' are 33792 bytes long together, expected at most 32768"), "\(found(33))")
  }
}
