/* Linked with -static: a program into which no agent can be loaded. */
int main(void)
{
  return 0;
}
