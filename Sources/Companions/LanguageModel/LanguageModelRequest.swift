/// One HTTP request to a language-model server, without its body, which goes with the message as a descriptor.
package struct LanguageModelRequest: Equatable, Sendable {
  /// The complete URL of the chat/completions endpoint: `https://…`, `http://…`, or `http+unix://%2Frun%2Fserver.sock/…`
  /// for a server on a Unix socket, whose path is written in the place of the host, percent-encoded.
  package var url: String
  /// The name of a key in /etc/openstarry/keys, or the absolute path of a file where there is no systemd; empty for none.
  package var key: String
  /// How long each step may take.
  package var limits: LanguageModelLimits
  /// The most bytes of the answer's body as the server sends it. An event stream has about 300 bytes for each token.
  package var longest: UInt32

  /// How many requests the gateway's program makes at a time.
  package static let mostCalls = 16
  /// The longest URL, in bytes. A longer one is cut: the caller excludes it.
  package static let longestURL = 2048
  /// The longest name of a key, in bytes. A longer one is cut: the caller excludes it.
  package static let longestKey = 1024

  /// A request.
  package init(
    url: String, key: String = "", limits: LanguageModelLimits = LanguageModelLimits(), longest: UInt32 = 8 << 20
  ) {
    self.url = url
    self.key = key
    self.limits = limits
    self.longest = longest
  }
}

/// How long each step of a request may take, in milliseconds; 0 for no time at all.
package struct LanguageModelLimits: Equatable, Sendable {
  /// The look-up of the name, the connection and TLS.
  package var connect: UInt32
  /// From then on until the first byte of the answer's body: the request is sent in this time, and a server reads the
  /// whole prompt in it.
  package var firstByte: UInt32
  /// The silence between two bytes of the body. A comment of an event stream is a sign of life.
  package var idle: UInt32
  /// Everything together.
  package var total: UInt32

  /// Limits; those left out suit a small server on the board itself.
  package init(
    connect: UInt32 = 10_000, firstByte: UInt32 = 120_000, idle: UInt32 = 60_000, total: UInt32 = 600_000
  ) {
    self.connect = connect
    self.firstByte = firstByte
    self.idle = idle
    self.total = total
  }
}

/// The tokens of an answer, as the server reports them. It may be wrong.
package struct LanguageModelUsage: Equatable, Sendable {
  /// The tokens of the request.
  package var prompt: UInt32
  /// The tokens of the answer.
  package var completion: UInt32
  /// Those of `prompt` that the server did not have to read again; 0 if it does not say.
  package var cached: UInt32

  /// A usage.
  package init(prompt: UInt32, completion: UInt32, cached: UInt32 = 0) {
    self.prompt = prompt
    self.completion = completion
    self.cached = cached
  }
}
