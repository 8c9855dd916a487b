package dsfd.clients;

import static dsfd.clients.Checks.holds;
import static dsfd.clients.Checks.same;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.annotation.Create;
import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.Read;
import ca.uhn.fhir.rest.annotation.ResourceParam;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IBasicClient;
import ca.uhn.fhir.rest.client.api.IClientInterceptor;
import ca.uhn.fhir.rest.client.api.IHttpRequest;
import ca.uhn.fhir.rest.client.api.IHttpResponse;
import java.util.Arrays;
import java.util.Random;
import org.hl7.fhir.r4.model.Binary;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Organization;

/** A large Binary, up and down as bytes and in ranges. Finds: bytes that differ, and headers that HAPI's client does not take. */
final class Binaries implements IClientInterceptor {
  /** The generic client takes a Binary's bytes up but not down; one by annotations does both. */
  interface BinaryClient extends IBasicClient {
    @Create
    MethodOutcome create(@ResourceParam Binary binary);

    @Read
    Binary read(@IdParam IdType id);
  }

  private static final String BYTES = "application/octet-stream";
  private final BinaryClient client;
  private final String organization;
  private final byte[] content;
  private IdType id;
  private String range;
  private int status;

  /** `context` has the certificate to present. */
  Binaries(FhirContext context, String base, int mebibytes) {
    Bundle found = context.newRestfulGenericClient(base).search()
        .byUrl("Organization?identifier=http://dsf.dev/sid/organization-identifier|site-a.example").returnBundle(Bundle.class).execute();
    organization = "Organization/" + ((Organization) found.getEntryFirstRep().getResource()).getIdElement().getIdPart();
    client = context.newRestfulClient(BinaryClient.class, base);
    client.registerInterceptor(this);
    content = new byte[mebibytes << 20];
    new Random(7).nextBytes(content);
  }

  @Override
  public void interceptRequest(IHttpRequest request) {
    if (request.getHttpVerbName().equals("POST")) {
      request.addHeader("X-Security-Context", organization);
      return;
    }
    request.removeHeaders("Accept");
    request.addHeader("Accept", BYTES);
    if (range != null) request.addHeader("Range", range);
  }

  @Override
  public void interceptResponse(IHttpResponse response) {
    status = response.getStatus();
  }

  void run(Checks checks) {
    String size = (content.length >> 20) + " MiB";
    checks.run(size + " as a Binary go up", this::up);
    checks.run(size + " come down the same", () -> holds(Arrays.equals(content, read(null, 200)), "other bytes came down"));
    checks.run("ranges of " + size, this::ranges);
  }

  private void up() {
    Binary binary = new Binary();
    binary.setContentType(BYTES).setContent(content);
    MethodOutcome made = client.create(binary);
    same(201, status);
    id = new IdType("Binary", made.getId().getIdPart());
  }

  private byte[] read(String bytes, int expected) {
    range = bytes;
    Binary binary = client.read(id);
    same(expected, status);
    same(BYTES, binary.getContentType());
    return binary.getContent();
  }

  private void ranges() {
    int last = content.length - 1, middle = content.length / 2;
    int[][] places = {{0, 0}, {0, 99_999}, {65_535, 65_537}, {middle - 7, middle + 300_000}, {last - 1_000, last}};
    for (int[] p : places)
      holds(Arrays.equals(Arrays.copyOfRange(content, p[0], p[1] + 1), read("bytes=" + p[0] + "-" + p[1], 206)), "bytes " + p[0] + " to " + p[1] + " differ");
    holds(Arrays.equals(Arrays.copyOfRange(content, last - 4, last + 1), read("bytes=-5", 206)), "the last five bytes differ");
  }
}
